"""The former place of `RetryPolicy`: pickles made by version 1.0 name it."""

from tachyon_sdk.retry import RetryPolicy as RetryPolicy
