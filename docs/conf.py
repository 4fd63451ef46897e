"""Settings of Sphinx."""

from dynamic_dynamodb import __version__

project = "Dynamic DynamoDB"
version = release = __version__
exclude_patterns = ["_build"]
nitpicky = True
smartquotes = False  # They would turn the two dashes of an option into one long one.
html_theme = "alabaster"
html_theme_options = {
    "description": "Keeps the provisioned throughput of DynamoDB in step with its load",
    "fixed_sidebar": True,
    "page_width": "1080px",
    "sidebar_width": "260px",
}
html_show_copyright = False
html_show_sourcelink = False
