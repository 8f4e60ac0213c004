"""The models of requests and responses, a module for each area. The OpenAPI document is generated from them."""
