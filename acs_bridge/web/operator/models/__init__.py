"""What travels over `/v1`: the shapes of requests, which are checked here, and of answers.

The same models say what the API is when it is described. A request has no field that its model does not name, and
nothing is converted: a number is no code.
"""
