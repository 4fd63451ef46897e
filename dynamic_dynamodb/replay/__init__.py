"""What a configuration would have done to the past: CloudWatch's history, and the checks that would have been made."""
