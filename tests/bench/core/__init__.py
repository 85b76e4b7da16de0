"""What all benchmarks share: fresh servers, child processes, interleaved rounds, tables."""
