"""The partner's service: a hot offer, and a switch that makes it fail."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, HTTPException
from pydantic import BaseModel
from service import serve


class Switch(BaseModel):
    failing: bool


class Partner:
    failing = False
    calls = 0


app = FastAPI()
partner = Partner()


@app.get("/offer")
async def offer() -> dict[str, Any]:
    partner.calls += 1
    if partner.failing:
        raise HTTPException(503, "the partner is out of order")
    return {"temperature": "hot", "offer": "two for one, today only", "number": partner.calls}


@app.get("/switch")
async def state() -> dict[str, Any]:
    return {"failing": partner.failing, "calls": partner.calls}


@app.post("/switch")
async def switch(wanted: Switch) -> dict[str, Any]:
    partner.failing = wanted.failing
    return await state()


serve(app)
