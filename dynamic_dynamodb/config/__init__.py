"""From the command line and the file to one Configuration, in small steps; all problems are told at once."""
