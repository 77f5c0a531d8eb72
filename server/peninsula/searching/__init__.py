"""How are things found by their names?"""
