"""Can the label be told from what has nothing to do with the disease?"""
