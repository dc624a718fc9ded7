from tools.settings_page import PAGE, page


def test_the_page_tells_the_settings_as_they_are():
    assert PAGE.read_text() == page(), "run: python tools/settings_page.py"
