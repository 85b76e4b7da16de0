"""The demo: a local server, a stand-in Matomo over real HTTP, and traffic. Nothing on its screen is invented."""
