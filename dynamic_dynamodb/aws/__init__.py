"""The only place that knows boto3: it turns AWS's calls, answers and errors into the program's own words."""
