"""The description of the API: operations, parameters and the OpenAPI document."""
