"""What a reader's page asks the server: the study, the next cases, their pixels; and what it tells: answers, events."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from radassay.errors import InputError
from radassay.web.book import AlreadyAnswered, Answer, Book, Person, now
from radassay.web.guard import Refusal
from radassay.web.questions import CERTAINTY, PLAUSIBILITY, REALNESS, fitting
from radassay.web.served import ServedFolder
from radassay.web.session import Door, read_json
from radassay.web.worklist import Task, ahead, break_due, shown_images, worklist

Short = Annotated[str, StringConstraints(max_length=200)]
Number = Annotated[float, Field(ge=-1e7, le=1e7, allow_inf_nan=False)]


class Seen(BaseModel):
    """How a case was looked at."""

    model_config = ConfigDict(extra="forbid")

    seconds: Number = 0
    """Time the page was visible."""
    windows: list[tuple[Number, Number, Number]] = Field(default=[], max_length=60)
    """Width, centre and seconds of the windows used, in order."""
    zoom: Number = 1
    """Largest zoom."""
    slices: int = Field(default=1, ge=0, le=2048)
    """Number of different slices shown."""
    inverted: bool = False
    screen: tuple[Number, Number, Number] = (0, 0, 1)
    """Width and height of the image area, and device pixels per CSS pixel."""


class Given(BaseModel):
    """An answer as the page sends it."""

    model_config = ConfigDict(extra="forbid")

    id: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]
    item: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16,64}$")]
    value: dict[str, Any]
    seen: Seen = Seen()


class Happening(BaseModel):
    """An event as the page sends it."""

    model_config = ConfigDict(extra="forbid")

    kind: Literal["consent", "withdrawn", "display", "break"]
    detail: dict[Short, Short] = Field(default={}, max_length=12)


class ReadingDesk:
    """The addresses of a reader's page.

    Args:
        folder: the served folder.
        book: the records.
        door: who is asking.
    """

    def __init__(self, folder: ServedFolder, book: Book, door: Door) -> None:
        self._folder, self._study, self._book, self._door = folder, folder.study, book, door
        self._lists: dict[str, list[Task]] = {}
        self.routes = [
            Route("/api/study", door.only("reader", self._tell_study)),
            Route("/api/work", door.only("reader", self._tell_work)),
            Route("/api/pixels/{image}", door.only("reader", self._send_pixels)),
            Route("/api/answers", door.only("reader", self._take_answer), methods=["POST"]),
            Route("/api/given/{place:int}", door.only("reader", self._tell_given)),
            Route("/api/events", door.only("reader", self._take_event), methods=["POST"]),
        ]

    def _tasks(self, reader: str) -> list[Task]:
        if reader not in self._lists:
            self._lists[reader] = worklist(self._study, reader)
        return self._lists[reader]

    async def _tell_study(self, request: Request, person: Person) -> Response:
        happened = await run_in_threadpool(self._book.happened, person.id)
        study = self._study
        content = study.model_dump(mode="json", include={"title", "pixels", "left_drag", "back", "display_check"})
        content |= {
            "consent": [p.strip() for p in study.consent.split("\n\n") if p.strip()],
            "presets": [p.model_dump(mode="json") for p in study.shown_presets],
            "levels": {"realness": REALNESS, "certainty": CERTAINTY, "plausibility": PLAUSIBILITY},
            "happened": sorted(happened),
            "reader": person.id,
            "form": self._door.form(request),
            "session_minutes": study.session_minutes,
        }
        return JSONResponse(content)

    async def _tell_work(self, request: Request, person: Person) -> Response:
        answered, paused = await run_in_threadpool(lambda: (self._answered(person), self._book.paused()))
        tasks = self._tasks(person.id)
        first = _first_open(tasks, answered)
        shown = [] if paused else tasks[first : first + 1 + ahead(self._study)]
        return JSONResponse(
            {
                "done": first,
                "total": len(tasks),
                "paused": paused,
                "break_due": break_due(self._study, list(answered.values()), now()),
                "tasks": [self._describe(person, first + n, task) for n, task in enumerate(shown)],
            }
        )

    def _describe(self, person: Person, place: int, task: Task) -> dict[str, Any]:
        block = task.block
        return {
            "place": place,
            "item": task.item.id,
            "images": shown_images(self._study, person.id, task.item),
            "training": task.training,
            "kind": block.kind,
            "question": block.question,
            "options": block.options,
        }

    async def _send_pixels(self, request: Request, person: Person) -> Response:
        image = request.path_params["image"]
        answered = await run_in_threadpool(self._answered, person)
        tasks = self._tasks(person.id)
        first = _first_open(tasks, answered)
        open_ = tasks[0 if self._study.back else first : first + 1 + ahead(self._study)]
        if not any(image in task.item.images for task in open_):
            raise Refusal(404, "not-found", "This image is not among those to be read now.")
        content = await run_in_threadpool(self._folder.pixels, image)
        return Response(content, media_type="application/octet-stream")

    async def _take_answer(self, request: Request, person: Person) -> Response:
        try:
            given = Given.model_validate(await read_json(request))
        except ValidationError as error:
            raise Refusal(422, "bad-answer", "The answer has not the right form.", error.errors()[0]["msg"]) from None
        tasks = self._tasks(person.id)
        place = next((n for n, task in enumerate(tasks) if task.item.id == given.item), None)
        if place is None:
            raise Refusal(404, "not-found", "No such case in this study.")
        task, pixels = tasks[place], self._study.pixels
        try:
            shape = (pixels.width, pixels.height, pixels.depth)
            value = fitting(task.block, task.item, given.value, shape)
        except InputError as error:
            raise Refusal(422, "bad-answer", error.what + ".", error.possible) from None
        seen = given.seen.model_dump(mode="json")
        answer = Answer(given.id, person.id, task.block.id, task.item.id, 0, "", value, seen)
        kept, first = await run_in_threadpool(self._keep, person, answer, tasks, place)
        told: dict[str, Any] = {"version": kept.version, "done": first, "total": len(tasks)}
        if task.training:
            told["feedback"] = task.item.feedback or ""
        return JSONResponse(told)

    def _keep(self, person: Person, answer: Answer, tasks: list[Task], place: int) -> tuple[Answer, int]:
        answered = self._answered(person)
        if place > _first_open(tasks, answered):
            raise Refusal(409, "not-yet", "An earlier case has no answer yet.", "Answer the cases in their order")
        may_change = self._study.back and not tasks[place].training
        try:
            kept = self._book.record(answer, may_change)
        except AlreadyAnswered as error:
            raise Refusal(409, "already-answered", error.what + ".", error.possible) from None
        return kept, _first_open(tasks, {**answered, answer.item: kept.at})

    async def _tell_given(self, request: Request, person: Person) -> Response:
        place, tasks = request.path_params["place"], self._tasks(person.id)
        answered = await run_in_threadpool(self._answered, person)
        if not self._study.back or place >= _first_open(tasks, answered) or tasks[place].training:
            raise Refusal(409, "no-way-back", "The plan of the study does not allow to go back to this case.")
        answer = await run_in_threadpool(self._book.latest, person.id, tasks[place].item.id)
        return JSONResponse({**self._describe(person, place, tasks[place]), "value": answer.value if answer else None})

    async def _take_event(self, request: Request, person: Person) -> Response:
        try:
            event = Happening.model_validate(await read_json(request))
        except ValidationError as error:
            raise Refusal(422, "bad-event", "The event has not the right form.", error.errors()[0]["msg"]) from None
        happened = await run_in_threadpool(self._book.happened, person.id)
        if "withdrawn" not in happened:
            await run_in_threadpool(self._book.note, person.id, event.kind, dict(event.detail))
        return JSONResponse({"noted": event.kind})

    def _answered(self, person: Person) -> dict[str, str]:
        """Return what somebody who takes part has answered, and when."""
        standing = self._book.standing(person.id)
        if "withdrawn" in standing.happened:
            raise Refusal(403, "withdrawn", "You have withdrawn from this study.")
        if "consent" not in standing.happened:
            raise Refusal(403, "no-consent", "You have not agreed to take part yet.", "Read the consent text first")
        return standing.answered


def _first_open(tasks: list[Task], answered: dict[str, str]) -> int:
    return next((n for n, task in enumerate(tasks) if task.item.id not in answered), len(tasks))
