"""The texts of explanations, one module for each language; `tests/unit/diagnosis` keeps them alike."""
