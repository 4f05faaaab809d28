from .protocols import adapter

__all__ = ["adapter"]
