"""What an operator offers: connectivity plans, device profiles and HSM groups, and who may use them."""

__all__ = [
    "catalogues",
    "defaults",
    "documents",
]
