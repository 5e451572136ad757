"""Addresses: what they point to, and that no sign-in survives in them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loading.errors import LoadError
from loading.web.links import clean, parse
from loading.web.viewer_links import configuration_of, places_to_look, roots_in

ROOT = "https://pacs.example/dicom-web"
STUDY, SERIES, INSTANCE = "1.2.3", "1.2.3.4", "1.2.3.4.5"


@pytest.mark.parametrize(
    ("text", "level", "url"),
    [
        (f"{ROOT}/", "server", ROOT),
        ("HTTPS://PACS.example:443/dicom-web", "server", ROOT),
        (f"dicomweb+{ROOT}", "server", ROOT),
        (f"{ROOT}/studies", "server", ROOT),
        (f"{ROOT}/studies/{STUDY}", "study", f"{ROOT}/studies/{STUDY}"),
        (f"{ROOT}/studies/{STUDY}/metadata", "study", f"{ROOT}/studies/{STUDY}"),
        (f"{ROOT}/studies/{STUDY}/series", "study", f"{ROOT}/studies/{STUDY}"),
        (
            f"{ROOT}/studies/{STUDY}/series/{SERIES}/thumbnail",
            "series",
            f"{ROOT}/studies/{STUDY}/series/{SERIES}",
        ),
        (
            f"{ROOT}//studies/{STUDY}/series/{SERIES}/instances/{INSTANCE}?accept=image/jphc",
            "instance",
            f"{ROOT}/studies/{STUDY}/series/{SERIES}/instances/{INSTANCE}",
        ),
        (
            f"{ROOT}/studies/{STUDY}/series/{SERIES}/instances/{INSTANCE}/frames/2,3",
            "frame",
            f"{ROOT}/studies/{STUDY}/series/{SERIES}/instances/{INSTANCE}/frames/2,3",
        ),
        ("http://[::1]:8042/dicom-web", "server", "http://[::1]:8042/dicom-web"),
        # the root itself may lie below a folder of the name
        ("https://a.example/studies/x/rs/studies/1.2", "study", None),
    ],
)
def test_an_address_of_the_service_is_understood(text, level, url):
    link = parse(text)
    assert link.level == level
    assert link.url == (url or text)
    assert parse(link.uri) == link


def test_a_viewers_page_names_the_study_and_where_to_look_for_the_server():
    pages = {
        f"https://a.example/ohif/viewer?StudyInstanceUIDs={STUDY},9.9": "https://a.example/ohif",
        f"https://a.example/viewer/dicomweb?hangingprotocolId=x&StudyInstanceUIDs={STUDY}": (
            "https://a.example"
        ),
        f"https://a.example/viewer/{STUDY}": "https://a.example",
        f"https://a.example/stone-webviewer/index.html?study={STUDY}": "https://a.example",
        f"https://a.example/x/IHEInvokeImageDisplay?requestType=STUDY&studyUID={STUDY}": (
            "https://a.example/x"
        ),
    }
    for page, site in pages.items():
        link = parse(page)
        assert (link.root, link.study, link.site) == ("", STUDY, site), page
        assert link.host == "a.example"
        assert f"{site}/dicom-web" in places_to_look(link)
    link = parse(f"https://a.example/ohif/viewer?StudyInstanceUIDs={STUDY}&SeriesInstanceUIDs=7.8")
    assert link.series == "7.8"
    assert configuration_of(link) == "https://a.example/ohif/app-config.js"
    configuration = """window.config = { dataSources: [{ configuration: {
        wadoUriRoot: 'x', qidoRoot: '/pacs/dicom-web/', wadoRoot: "https://b.example/rs",
        bad: 1, wadoRoot: 'javascript:alert(1)' }}] }"""
    assert roots_in(configuration, link.site) == [
        "https://a.example/pacs/dicom-web",
        "https://b.example/rs",
    ]


def test_a_weasis_link_is_understood():
    plain = f'weasis://$dicom:rs --url "{ROOT}" -r "studyUID={STUDY}" -H "Authorization: Bearer s3"'
    link = parse(plain)
    assert (link.root, link.study, link.left_out) == (ROOT, STUDY, ("Authorization",))
    encoded = (
        "weasis://?%24dicom%3Aclose+--all+%24dicom%3Ars+--url+%22https%3A%2F%2Fpacs.example%2F"
        "dicom-web%22+-r+%22patientID%3D7%22+--query-ext%3D%22%26includedefaults%3Dfalse%22"
    )
    link = parse(encoded)
    assert (link.level, link.root, link.search) == ("server", ROOT, (("PatientID", "7"),))
    link = parse(f'weasis://%24dicom%3Ars --url={ROOT} -r "seriesUID={SERIES}"')
    assert link.search == (("SeriesInstanceUID", SERIES),)
    with pytest.raises(LoadError, match="Weasis"):
        parse("weasis://%24dicom%3Aget+-w+%22https%3A%2F%2Fa.example%2Fmf.xml%22")


def test_wado_uri_is_understood():
    text = (
        "https://pacs.example/wado?requestType=WADO&studyUID=1.2.3&seriesUID=1.2.3.4"
        "&objectUID=1.2.3.4.5&contentType=application%2Fdicom&frameNumber=2"
    )
    link = parse(text)
    assert link.is_wado_uri
    assert (link.level, link.frames, link.instance) == ("frame", (2,), INSTANCE)
    assert link.uri == (
        "wadouri+https://pacs.example/wado?requestType=WADO&studyUID=1.2.3&seriesUID=1.2.3.4"
        "&objectUID=1.2.3.4.5&contentType=application/dicom"
    )
    assert parse("wadouri+https://pacs.example/wado?studyUID=1.2").study == "1.2"


def test_a_search_in_an_address_is_kept():
    link = parse(f"{ROOT}/studies?PatientName=Miller*&StudyDate=20250101-&limit=5&token=s3")
    assert link.search == (("PatientName", "Miller*"), ("StudyDate", "20250101-"))


SECRET = "hunter2"


@pytest.mark.parametrize(
    "text",
    [
        f"https://anna:{SECRET}@pacs.example/dicom-web",
        f"{ROOT}/studies/1.2?access_token={SECRET}",
        f"{ROOT}/studies/1.2?X-Amz-Signature={SECRET}&X-Amz-Date=1",
        f"{ROOT}/studies?PatientID=7&apiKey={SECRET}",
        f"https://a.example/viewer?StudyInstanceUIDs=1.2#token={SECRET}",
        f'weasis://$dicom:rs --url "https://u:{SECRET}@a.example/rs?jwt={SECRET}" -r "studyUID=1"',
        f"wadouri+https://a:{SECRET}@a.example/wado?studyUID=1.2&key={SECRET}",
    ],
)
def test_no_sign_in_survives(text):
    link = parse(text)
    assert SECRET not in repr(link) + link.uri + link.url + clean(text)
    assert link.left_out or "#" in text


@pytest.mark.parametrize(
    "text",
    [
        f"https://u:{SECRET}@:99999/x",
        f"https://u:{SECRET}@[half/x",
        f"{ROOT}/studies/..%2f..?token={SECRET}",
        f"{ROOT}/studies/1.2/series/3.4/instances/5.6/frames/0?token={SECRET}",
        f"weasis://what?token={SECRET}",
        f"ftp://u:{SECRET}@a.example/x",
        "https://",
        "",
    ],
)
def test_what_is_no_address_is_told_without_its_secrets(text):
    with pytest.raises(LoadError) as error:
        parse(text)
    assert SECRET not in str(error.value)


TEXTS = st.one_of(
    st.text(max_size=60),
    st.text(max_size=60).map(lambda text: f"https://a.example/{text}"),
    st.from_regex(r"https?://[^ ]{0,20}/studies/[^ ]{0,20}(/series/[^ ]{0,10})?(\?[^ ]{0,20})?"),
    st.text(max_size=40).map(lambda text: f"weasis://$dicom:rs {text}"),
    st.text(max_size=20).map(
        lambda text: f"https://u:{SECRET}@a.example/rs?token={SECRET}&x={text}"
    ),
)


@given(TEXTS)
def test_whatever_is_typed_is_understood_or_told(text):
    try:
        link = parse(text)
        said = link.uri + link.url
    except LoadError as error:
        link, said = None, str(error)
    assert SECRET not in said
    if link is not None and link.root:
        assert parse(link.uri).url == link.url
