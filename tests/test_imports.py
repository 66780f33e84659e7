def test_x():
    import reports

    print(reports.__file__, reports.__path__)
