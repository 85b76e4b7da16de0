"""What the server beside us is, how it fares, how many keys it holds: read cheaply, changed never."""
