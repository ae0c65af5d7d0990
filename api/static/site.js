"use strict";

/** The admin's access token. It is kept nowhere but here. */
let accessToken = null;

const byId = (id) => document.getElementById(id);
const show = (id, visible) => { byId(id).hidden = !visible; };

function notice(text, bad = false) {
  const element = byId("notice");
  element.textContent = text;
  element.classList.toggle("bad", bad);
  element.hidden = !text;
}

/** The reply's JSON; an Error with the problem's own words for anything but success. */
async function call(method, path, body, headers = {}) {
  const sent = { "Content-Type": "application/json", ...headers };
  if (accessToken) sent.Authorization = `Bearer ${accessToken}`;
  let reply;
  try {
    reply = await fetch(path, { method, headers: sent, body: JSON.stringify(body) });
  } catch {
    throw new Error("The server cannot be reached.");
  }
  const answer = await reply.json().catch(() => ({}));
  if (!reply.ok) throw new Error(answer.detail || answer.title || `The server answered ${reply.status}.`);
  return answer;
}

async function redeem(token) {
  notice("Signing in…");
  try {
    const answer = await call("POST", "api/auth/redeem", { token });
    accessToken = answer.accessToken;
    const expires = new Date(Date.now() + answer.expiresIn * 1000);
    byId("expires").dateTime = expires.toISOString();
    byId("expires").textContent = expires.toLocaleString();
    byId("admin-token").textContent = accessToken;
    setTimeout(signOut, answer.expiresIn * 1000);
    notice("");
    show("signed-out", false);
    show("signed-in", true);
    byId("name").focus();
  } catch (error) {
    notice(error.message, true);
    show("signed-out", true);
  }
}

function signOut() {
  accessToken = null;
  show("signed-in", false);
  show("signed-out", true);
  notice("Your sign-in has expired.", true);
}

async function createWorkspace(event) {
  event.preventDefault();
  const button = event.submitter || event.target.querySelector("button");
  const name = byId("name").value.trim();
  button.disabled = true;
  notice("Making the workspace…");
  try {
    const headers = { "Idempotency-Key": newKey(), Prefer: "wait=30" };
    const made = await call("POST", "api/workspaces", name ? { name } : {}, headers);
    byId("workspace-name").textContent = made.name;
    byId("workspace-id").textContent = made.workspaceId;
    byId("workspace-status").textContent = made.errorReason ? `${made.status}: ${made.errorReason}` : made.status;
    byId("workspace-secret").textContent = made.workspaceSecret;
    byId("curl").textContent = curlLines(made);
    show("workspace", true);
    byId("name").value = "";
    notice("");
  } catch (error) {
    notice(error.message, true);
  } finally {
    button.disabled = false;
  }
}

/** A random key. crypto.randomUUID is missing where the page is not served over HTTPS or from loopback. */
function newKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function curlLines({ workspaceId, workspaceSecret }) {
  const base = location.origin;
  return [
    `TOKEN=$(curl -s ${base}/api/workspaces/login -H 'Content-Type: application/json' \\`,
    `  -d '{"workspaceId":"${workspaceId}","workspaceSecret":"${workspaceSecret}"}' \\`,
    `  | python3 -c 'import json,sys; print(json.load(sys.stdin)["workspaceToken"])')`,
    "",
    `curl -s ${base}/api/workspaces/${workspaceId}/sessions -H "Authorization: Bearer $TOKEN" \\`,
    `  -H 'Content-Type: application/json' -d '{"name":"first"}'`,
    "",
    `curl -s ${base}/api/workspaces/${workspaceId}/sessions -H "Authorization: Bearer $TOKEN"`,
  ].join("\n");
}

async function copy(event) {
  const button = event.target;
  const source = byId(button.dataset.copy);
  const label = button.textContent;
  try {
    await navigator.clipboard.writeText(source.textContent);
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = label; }, 1500);
  } catch {
    getSelection().selectAllChildren(source);
  }
}

/** The token of a sign-in link, which leaves the address bar and the history before anything else happens. */
function tokenFromLink() {
  const token = new URLSearchParams(location.hash.slice(1)).get("redeem");
  if (token !== null) history.replaceState(null, "", location.pathname);
  return token;
}

function start() {
  const token = tokenFromLink();
  byId("create").addEventListener("submit", createWorkspace);
  byId("redeem").addEventListener("submit", (event) => {
    event.preventDefault();
    redeem(byId("token").value.trim());
    byId("token").value = "";
  });
  document.querySelectorAll("[data-copy]").forEach((button) => button.addEventListener("click", copy));
  addEventListener("hashchange", () => {
    const again = tokenFromLink();
    if (again) redeem(again);
  });
  if (token) redeem(token);
  else show("signed-out", true);
}

start();
