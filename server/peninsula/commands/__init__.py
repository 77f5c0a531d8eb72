"""What can be typed after ``peninsula``, one module a group of commands?"""
