"""The server extension: what its routes answer, and that they refuse what they should."""

import json

import pytest
from asking import CHAPTERS, PATH, PROGRESS, RESET, post, refused
from tornado.httpclient import HTTPClientError

pytest_plugins = ("pytest_jupyter.jupyter_server",)


async def test_the_list_has_every_chapter_with_its_state(course, jp_fetch):
    chapter, lab = json.loads((await jp_fetch(*CHAPTERS)).body)
    assert chapter == {
        "kind": "chapter", "number": "10", "title": "Images <b>", "minutes": 45, "path": PATH, "error": None,
        "state": "new", "cells": 2, "run": 0, "next": course[0], "last": None, "exercises": [],
    }  # fmt: skip
    assert (lab["kind"], lab["number"], lab["path"]) == ("lab", "10", "notebooks/labs/10_b.ipynb")


async def test_cells_that_ran_make_a_chapter_started_and_then_done(course, jp_fetch):
    started = json.loads((await post(jp_fetch, PROGRESS, {"path": PATH, "cells": [course[1]]})).body)
    assert (started["state"], started["run"], started["next"]) == ("started", 1, course[0])
    done = json.loads((await post(jp_fetch, PROGRESS, {"path": PATH, "cells": [course[0]]})).body)
    assert (done["state"], done["run"], done["next"]) == ("done", 2, None)
    assert json.loads((await jp_fetch(*CHAPTERS)).body)[0] == done


async def test_cells_of_other_notebooks_do_not_count(course, jp_fetch):
    answer = json.loads((await post(jp_fetch, PROGRESS, {"path": PATH, "cells": ["of-another-one"]})).body)
    assert (answer["state"], answer["last"]) == ("new", None)


async def test_reset_makes_a_chapter_new_again(course, jp_fetch):
    await post(jp_fetch, PROGRESS, {"path": PATH, "cells": course})
    assert json.loads((await post(jp_fetch, RESET, {"path": PATH})).body)["state"] == "new"
    assert json.loads((await jp_fetch(*CHAPTERS)).body)[0]["state"] == "new"


@pytest.mark.parametrize("route", [PROGRESS, RESET], ids="/".join)
async def test_a_cookie_without_the_xsrf_token_is_refused(course, http_server_client, jp_base_url, jp_serverapp, route):
    """Another web page makes the browser send the cookie; it cannot send the XSRF token."""
    login = await http_server_client.fetch(
        f"{jp_base_url}tree?token={jp_serverapp.identity_provider.token}", follow_redirects=False, raise_error=False
    )
    cookies = "; ".join(cookie.split(";")[0] for cookie in login.headers.get_list("Set-Cookie"))
    assert "username-" in cookies
    body = json.dumps({"path": PATH, "cells": course})
    with pytest.raises(HTTPClientError) as caught:
        await http_server_client.fetch(
            jp_base_url + "/".join(route), method="POST", body=body, headers={"Cookie": cookies}
        )
    assert caught.value.code == 403
    assert "_xsrf" in caught.value.response.body.decode()


@pytest.mark.parametrize("route", [PROGRESS, RESET], ids="/".join)
async def test_the_permission_to_write_contents_is_asked_for(course, jp_fetch, jp_serverapp, monkeypatch, route):
    monkeypatch.setattr(
        jp_serverapp.authorizer,
        "is_authorized",
        lambda handler, user, action, resource: (action, resource) != ("write", "contents"),
    )
    await jp_fetch(*CHAPTERS)
    code, _ = await refused(post(jp_fetch, route, {"path": PATH, "cells": course}))
    assert code == 403


@pytest.mark.parametrize(
    "path",
    [
        "notebooks/99_none.ipynb",
        "10_a.ipynb",
        "../notebooks/10_a.ipynb",
        "/etc/passwd",
        "notebooks/../notebooks/10_a.ipynb",
        "\0",
        "\ud800",
    ],
)
@pytest.mark.parametrize("route", [PROGRESS, RESET], ids="/".join)
async def test_what_is_no_chapter_is_not_found(course, jp_fetch, route, path):
    assert await refused(post(jp_fetch, route, {"path": path, "cells": ["a"]})) == (
        404,
        "There is no such chapter in the course.",
    )


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("", "not valid JSON"),
        ("{", "not valid JSON"),
        (b"\xff\xfe\x00", "not valid JSON"),
        ("[" * 50_000, "not valid JSON"),
        ("[]", "JSON object"),
        ("null", "JSON object"),
        ({}, '"path"'),
        ({"path": 3, "cells": ["a"]}, '"path"'),
        ({"path": "", "cells": ["a"]}, '"path"'),
        ({"path": "a" * 2000, "cells": ["a"]}, '"path"'),
        ({"path": PATH}, '"cells" must be a list'),
        ({"path": PATH, "cells": "abc"}, '"cells" must be a list'),
        ({"path": PATH, "cells": []}, '"cells" must be a list'),
        ({"path": PATH, "cells": ["a"] * 1001}, '"cells" must be a list'),
        ({"path": PATH, "cells": [1]}, "cell ids"),
        ({"path": PATH, "cells": ["a b"]}, "cell ids"),
        ({"path": PATH, "cells": ["a\n"]}, "cell ids"),
        ({"path": PATH, "cells": ["a" * 65]}, "cell ids"),
    ],
)
async def test_a_malformed_body_is_refused_in_words(course, jp_fetch, body, words):
    code, message = await refused(post(jp_fetch, PROGRESS, body))
    assert code == 400
    assert words in message


async def test_a_huge_body_is_refused(course, jp_fetch):
    code, message = await refused(post(jp_fetch, PROGRESS, " " * 300_000))
    assert code == 413
    assert "larger" in message


async def test_a_server_without_a_course_says_so(jp_fetch):
    [entry] = json.loads((await jp_fetch(*CHAPTERS)).body)
    assert entry["kind"] == "no course"
    assert "No chapters were found" in entry["title"]
    code, message = await refused(post(jp_fetch, PROGRESS, {"path": PATH, "cells": ["a"]}))
    assert code == 404
    assert "No chapters were found" in message


async def test_a_course_outside_the_root_is_not_served(course, jp_fetch, monkeypatch, tmp_path):
    (tmp_path / "outside").mkdir()
    monkeypatch.setenv("DLNB_COURSE", str(tmp_path / "outside"))
    [entry] = json.loads((await jp_fetch(*CHAPTERS)).body)
    assert entry["kind"] == "no course"
    assert "outside" in entry["title"]


async def test_a_broken_chapter_is_listed_with_its_error(course, jp_fetch, jp_root_dir):
    (jp_root_dir / "notebooks" / "11_broken.ipynb").write_text("{")
    entries = json.loads((await jp_fetch(*CHAPTERS)).body)
    assert [entry["error"] is None for entry in entries] == [True, True, False]


async def test_a_damaged_progress_file_gives_a_notice_and_an_empty_progress(course, jp_fetch, learner):
    learner.mkdir()
    (learner / "progress.sqlite").write_bytes(b"no database " * 100)
    *chapters, notice = json.loads((await jp_fetch(*CHAPTERS)).body)
    assert {chapter["state"] for chapter in chapters} == {"new"}
    assert notice["kind"] == "notice"
    assert "progress.damaged-" in notice["title"]


async def test_progress_that_cannot_be_kept_is_said_and_the_list_still_comes(course, jp_fetch, learner):
    learner.write_text("a file where the folder should be")
    *chapters, notice = json.loads((await jp_fetch(*CHAPTERS)).body)
    assert len(chapters) == 2
    assert "cannot be used" in notice["title"]
    code, message = await refused(post(jp_fetch, PROGRESS, {"path": PATH, "cells": course}))
    assert code == 503
    assert "cannot be used" in message
