"""The tracking queue: from acceptance to delivery."""
