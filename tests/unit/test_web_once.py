"""A form that several browsers' threads send at once, on both databases."""

import re
from concurrent.futures import ThreadPoolExecutor

from sirocco.cmdb.models import Volume
from tests.portal import portal_app, sign_in


def test_a_form_sent_many_times_at_once_has_its_effect_once(cmdb, world, tmp_path):
    app = portal_app(cmdb, tmp_path)
    client = app.test_client()
    sign_in(client, "bob")
    form = client.get("/volumes/new").text.split('action="/volumes"')[1].split("</form>")[0]
    sent = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form))
    sent |= {"name": "together", "capacity": "1"}
    cookie = client.get_cookie("sirocco_session").value

    def send(_number):
        one = app.test_client()
        one.set_cookie("sirocco_session", cookie)
        return one.post("/volumes", data=sent).headers["Location"]

    with ThreadPoolExecutor(6) as people:
        assert len(set(people.map(send, range(6)))) == 1
    with world.reading() as tx:
        assert tx.session.query(Volume).where(Volume.name == "together").count() == 1
