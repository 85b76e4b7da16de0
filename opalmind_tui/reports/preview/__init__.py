"""What another time to live would do: predicted from a sample of look-ups, before anybody changes it."""
