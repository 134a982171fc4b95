"""What the books decide: pure rules, without I/O, clock or randomness."""
