"""What processes tell by the standard logging module: its form, what is kept out of it, and the dashboard's file."""
