"""`make demo`: the real command at work on a handful of tables in moto's stand-in for AWS, on this machine alone."""
