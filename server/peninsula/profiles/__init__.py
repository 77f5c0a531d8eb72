"""What does the page of a thing say first, where its kind has a form of its own?"""
