"""What the command line runs: the service, the embedded Postgres, and everything an administrator does."""
