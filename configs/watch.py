"""What `watch` may be asked for: which study grows, from which inbox, and who starts the run."""

from typing import Annotated

from pydantic import Field, StringConstraints

from configs.section import Section

NonEmpty = Annotated[str, StringConstraints(min_length=1, max_length=4_096, strip_whitespace=True)]


class WatchConfig(Section):
    """An inbox for new samples, and the study whose tables grow by them."""

    study_file: NonEmpty = Field(
        title="Study file",
        description="The study.yaml whose tables grow; new versions are written to the folder `versions` beside it.",
        examples=["/data/tomato/study.yaml"],
    )
    inbox: NonEmpty = Field(
        title="Inbox",
        description="Folder or URL prefix that new samples arrive in: one sub-folder an arrival, with samples.tsv and "
        "one table a layer, named after the layer (transcriptome.tsv, metabolome.csv).",
        examples=["/data/tomato/inbox", "s3://lab/tomato/inbox"],
    )
    quiet_seconds: float = Field(
        60.0,
        ge=0,
        le=86_400,
        title="Quiet time (seconds)",
        description="An arrival is whole when none of its files has changed for so long, or at once when a file "
        "`<name>.done` lies beside it or `.done` in it.",
        json_schema_extra={"unit": "s"},
    )
    start: bool = Field(
        False,
        title="Start the run itself",
        description="Off: emit the event cairn.samples.arrived, and an automation starts the run. On: start the run "
        "of the new version here, without an event, for a schedule on a server without automations.",
    )
    deployment: NonEmpty = Field(
        "discover-file/discover-file",
        title="Deployment to start",
        description="Deployment that is started when `start` is on, as flow/deployment.",
    )
