"""The functions' structured log."""

from aws_lambda_powertools import Logger

logger = Logger()
