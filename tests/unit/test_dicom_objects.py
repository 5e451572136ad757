"""Objects without pixels are listed with their kind, title, date and what they belong to."""

from __future__ import annotations

import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian, generate_uid

from loading.files import describe
from tests.helpers.dicom_series import phantom, write_series

STORAGE = "1.2.840.10008.5.1.4.1.1."


def item(**attributes):
    made = Dataset()
    for name, value in attributes.items():
        setattr(made, name, value)
    return made


def write_object(path, sop_class, modality, syntax=ExplicitVRLittleEndian, **attributes):
    dataset = item(
        SOPClassUID=STORAGE + sop_class,
        SOPInstanceUID=generate_uid(),
        StudyInstanceUID="1.2",
        SeriesInstanceUID="1.2.99",
        Modality=modality,
        SeriesDescription="Of its own",
        **attributes,
    )
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.save_as(path, enforce_file_format=True)
    return path


def of_series(uid):
    return Sequence([item(SeriesInstanceUID=uid)])


def structure_set(uid):
    study = item(RTReferencedSeriesSequence=of_series(uid))
    frame = item(RTReferencedStudySequence=Sequence([item(), study]))
    return Sequence([frame])


def of_images(*uids):
    return Sequence([item(ReferencedSOPInstanceUID=uid) for uid in uids])


def evidence(uid):
    return Sequence([item(ReferencedSeriesSequence=of_series(uid))])


MEANING = Sequence([item(CodeMeaning="Chest Report")])


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
@pytest.mark.parametrize(
    ("sop_class", "modality", "attributes", "kind", "title"),
    [
        (
            "88.11",
            "SR",
            lambda uid: {
                "ConceptNameCodeSequence": MEANING,
                "CurrentRequestedProcedureEvidenceSequence": evidence(uid),
            },
            "structured report",
            "Chest Report",
        ),
        (
            "481.3",
            "RTSTRUCT",
            lambda uid: {
                "StructureSetLabel": "Organs",
                "ReferencedFrameOfReferenceSequence": structure_set(uid),
            },
            "radiotherapy structure set",
            "Organs",
        ),
        (
            "11.1",
            "PR",
            lambda uid: {"ContentLabel": "LUNG", "ReferencedSeriesSequence": of_series(uid)},
            "presentation state",
            "LUNG",
        ),
        (
            "104.1",
            "DOC",
            lambda uid: {"DocumentTitle": "Letter", "SourceInstanceSequence": of_images("1", uid)},
            "encapsulated PDF",
            "Letter",
        ),
        (
            "9.1.1",
            "ECG",
            lambda uid: {"ReferencedInstanceSequence": of_images(uid)},
            "electrocardiogram",
            "Of its own",
        ),
    ],
)
def test_what_it_belongs_to(tmp_path, sop_class, modality, attributes, kind, title, syntax):
    series = write_series(tmp_path / "ct", phantom((3, 8, 8)), SOPInstanceUID=lambda k: f"1.5.{k}")
    (ct,) = describe([str(series[0].parent)]).volumes
    refers = ct.spec.series_uid if sop_class in ("88.11", "481.3", "11.1") else "1.5.1"
    write_object(
        tmp_path / "object.dcm",
        sop_class,
        modality,
        syntax,
        ContentDate="20240229",
        ContentTime="134500.1",
        **attributes(refers),
    )
    found = describe([str(tmp_path)])
    (entry,) = found.images
    assert (entry.kind, entry.title) == (kind, title)
    assert entry.date == "2024-02-29 13:45"
    assert entry.belongs_to == "Phantom"
    (alone,) = describe([str(tmp_path / "object.dcm")]).images
    assert alone.belongs_to == "a series that is not here"


def test_an_object_that_refers_to_nothing(tmp_path):
    write_object(tmp_path / "o.dcm", "88.11", "SR", StudyDate="20240229", StudyTime="")
    (entry,) = describe([str(tmp_path)]).images
    assert (entry.title, entry.date, entry.belongs_to) == ("Of its own", "2024-02-29", "")


def test_a_damaged_sequence_keeps_the_object(tmp_path):
    path = write_object(
        tmp_path / "o.dcm", "11.1", "PR", ReferencedSeriesSequence=of_series("1.2.3")
    )
    data = path.read_bytes()
    at = data.index(b"\x08\x00\x15\x11SQ")
    path.write_bytes(data[: at + 8] + b"\xff\xff\xff\x7f" + data[at + 12 :])
    found = describe([str(tmp_path)])
    assert [image.kind for image in found.images] == ["presentation state"]
