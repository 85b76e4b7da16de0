"""The nastiest bug classes of queues, each with a test that names its number. `table` says where each is tested."""
