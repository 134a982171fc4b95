"""What the service speaks: bytes in, one command to the lane, bytes out."""
