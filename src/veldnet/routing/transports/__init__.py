"""How messages reach application servers: one module for each transport."""
