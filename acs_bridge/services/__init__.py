"""The use cases: what a person, a BSS or a gateway can ask for, each in one transaction. No SQL and no HTTP here.

A package for each thing that they are about; what several of them share stands beside the packages.
"""
