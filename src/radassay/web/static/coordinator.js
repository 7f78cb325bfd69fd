// The coordinator's page: who has read how much, a pause, the answers as CSV.

import { $, fill, make, put, readerCells } from "./coordinator-table.js";
import { enter, get, post, setForm } from "./server.js";

let paused = false;

async function refresh() {
  try {
    const told = await get("/api/coordinator/progress");
    setForm(told.form);
    paused = told.paused;
    put($("title"), document.title = told.title);
    put($("state"), paused ? "Paused: readers get no new case" : "Running");
    put($("hold"), paused ? "Resume the study" : "Pause the study");
    $("acts").hidden = false;
    fill($("rows"), told.readers, () => told.readers.map((r) => make("tr", {}, ...readerCells(r))));
  } catch (error) {
    put($("state"), error.message);
  }
}

$("hold").onclick = async () => {
  try { await post("/api/coordinator/hold", { paused: !paused }); } catch (error) { put($("state"), error.message); return; }
  refresh();
};
try { await enter(); } catch (error) { put($("state"), error.message); }
await refresh();
setInterval(refresh, 5000);
