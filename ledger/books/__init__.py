"""What the books keep: Postgres, the lane, the one commit, reads, the log and the checks."""
