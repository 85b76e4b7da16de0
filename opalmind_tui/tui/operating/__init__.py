"""What keys do, by what they act on."""
