// The pages, used with the keyboard alone.
import { strict as assert } from "node:assert";
import { after, before, test } from "node:test";
import { go, launch, look, tabTo, type } from "./browser.mjs";
import { code, start } from "./gateway.mjs";

const PASSWORD = "seven quiet herons on a jetty";
const people = {};
let gateway, browser;

before(async () => {
  gateway = await start();
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await gateway?.stop();
});

async function context() {
  const made = await browser.newContext();
  const page = await made.newPage();
  page.on("console", (message) => {
    assert.ok(!/Content Security Policy/.test(message.text()), message.text());
  });
  return page;
}

/** Takes up an invitation and sets up an app. */
async function invite(name, watch) {
  const page = await context();
  await page.goto(gateway.invitations[name]);
  if (watch) await look(page, "invitation");
  await type(page, "New password", "short");
  await type(page, "The same again", "short");
  await go(page, "button", "Set password");
  await page.getByRole("alert").waitFor();
  if (watch) await look(page, "invitation-error");
  await type(page, "New password", PASSWORD);
  await type(page, "The same again", PASSWORD);
  await go(page, "button", "Set password");
  if (watch) await look(page, "enrol", 1);
  const key = await page.locator("#key").innerText();
  await type(page, "Code from the app", code(key));
  await go(page, "button", "Continue");
  const codes = await page.locator(".codes li").allInnerTexts();
  assert.equal(codes.length, 10);
  if (watch) await look(page, "recovery-codes");
  await go(page, "link", "I have kept them");
  people[name] = { key, codes, page };
  return page;
}

test("an invitation leads to a password, an app, recovery codes and the start page", async () => {
  const page = await invite("ada", true);
  assert.ok(page.url().endsWith("/patients"), page.url());
  await look(page, "find-patient");
});

test("the first press of Tab offers to skip to the content", async () => {
  const { page } = people.ada;
  await page.goto(`${gateway.origin}/patients`);
  await tabTo(page, "link", "Skip to the content", 1);
  await page.keyboard.press("Enter");
  assert.equal(await page.evaluate(() => document.activeElement.id), "main");
});

test("a patient is found and nothing personal stands in an address", async () => {
  const { page } = people.ada;
  await page.goto(`${gateway.origin}/patients`);
  await go(page, "button", "Find");
  await page.getByRole("alert").waitFor();
  await look(page, "find-patient-error");
  assert.equal(await page.evaluate(() => document.activeElement.id), "errors", "what is wrong has the focus");
  await type(page, "Family name", "Merriweather");
  await type(page, "Birth date", "1964-02-29");
  await go(page, "button", "Find");
  assert.ok(!/merriweather|1964|4471/i.test(page.url()), page.url());
  await look(page, "found-patients");
  await go(page, "link", "MERRIWEATHER");
  await look(page, "patient");
});

test("a report says what is abnormal by words and shapes, and whose it is", async () => {
  const { page } = people.ada;
  await go(page, "link", "CBC panel");
  const body = await page.locator("body").innerText();
  for (const words of ["MERRIWEATHER", "29 Feb 1964", "Corrected", "8.90", "▼", "Low", "Critically high", "Suggest iron studies", "Whole blood"]) {
    assert.ok(body.includes(words), words);
  }
  await look(page, "report");
  people.ada.report = page.url();
  await go(page, "link", "All versions");
  await look(page, "history");
  await go(page, "link", "Version 1");
  const old = await page.locator("body").innerText();
  assert.ok(old.includes("9.80") && old.includes("This is an older version"), old);
  await look(page, "older-version");
});

test("an attached document is downloaded and never shown in the page", async () => {
  const { page } = people.ada;
  await page.goto(people.ada.report);
  await go(page, "link", "MERRIWEATHER");
  await go(page, "link", "Lipid panel");
  await look(page, "report-preliminary");
  await tabTo(page, "link", "Laboratory letter");
  const [download] = await Promise.all([page.waitForEvent("download"), page.keyboard.press("Enter")]);
  assert.match(download.suggestedFilename(), /^document-\d+\.pdf$/);
});

test("signing in takes password and code, and leads back to the same place", async () => {
  const page = await context();
  await page.goto(people.ada.report);
  await look(page, "sign-in");
  await type(page, "Sign-in name", "ada");
  await type(page, "Password", "not this one at all");
  await go(page, "button", "Sign in");
  await page.getByRole("alert").waitFor();
  await look(page, "sign-in-error");
  await type(page, "Sign-in name", "ada");
  await type(page, "Password", PASSWORD);
  await go(page, "button", "Sign in");
  await look(page, "code");
  await go(page, "link", "Use a recovery code instead");
  await look(page, "recovery");
  await type(page, "Recovery code", people.ada.codes[0]);
  await go(page, "button", "Continue");
  assert.equal(page.url(), people.ada.report);
  people.ada.second = page;
});

test("the account lists sessions and ends them", async () => {
  const { page, second } = people.ada;
  await page.goto(`${gateway.origin}/account`);
  await look(page, "account");
  await go(page, "button", "End all others");
  await second.reload();
  assert.ok(/\/sign-in/.test(second.url()), "the other browser is signed out");
});

test("the warning takes what was shown off the screen, and leads back", async () => {
  const { page } = people.ada;
  await page.goto(`${gateway.origin}/session-ending?return=${encodeURIComponent(new URL(people.ada.report).pathname)}`);
  await look(page, "session-ending");
  await go(page, "link", "Stay signed in");
  assert.equal(page.url(), people.ada.report);
  await page.goto(`${gateway.origin}/session-ended`);
  await look(page, "session-ended");
});

test("emergency access asks for a reason, is seen on every page, and ends", async () => {
  const page = await invite("ben", false);
  await page.goto(people.ada.report);
  await look(page, "not-found");
  await page.goto(`${gateway.origin}/break-glass`);
  await look(page, "break-glass");
  await go(page, "button", "Open the records");
  await look(page, "break-glass-error");
  await type(page, "Patient number", "H-4471-902");
  await type(page, "Birth date", "1964-02-29");
  await tabTo(page, "radio", "Emergency treatment");
  await page.keyboard.press("Space");
  await type(page, "In your own words", "unconscious in the emergency room");
  await go(page, "button", "Open the records");
  const body = await page.locator("body").innerText();
  assert.ok(body.includes("Emergency access is on") && body.includes("MERRIWEATHER"), body);
  await look(page, "patient-emergency");
  await page.goto(people.ada.report);
  await look(page, "report-emergency");
  await go(page, "button", "End emergency access");
  await page.goto(people.ada.report);
  assert.ok((await page.locator("body").innerText()).includes("Nothing to show here"));
});

test("what was opened in an emergency is judged by somebody else", async () => {
  const page = await invite("cay", false);
  await go(page, "link", "Reviews");
  await look(page, "reviews");
  await go(page, "link", "Ben Visiting");
  const body = await page.locator("body").innerText();
  for (const words of ["unconscious in the emergency room", "Emergency treatment", "With emergency access", "before its time"]) {
    assert.ok(body.includes(words), words);
  }
  await look(page, "review");
  await go(page, "button", "Close the review");
  await page.getByRole("alert").waitFor();
  await look(page, "review-error");
  await tabTo(page, "radio", "Yes, it was needed for care");
  await page.keyboard.press("Space");
  await type(page, "Note", "confirmed with the ward");
  await go(page, "button", "Close the review");
  await look(page, "review-closed");
  await page.goto(`${gateway.origin}/reviews`);
  assert.ok((await page.locator("body").innerText()).includes("Nothing waits for a review"));
  await look(page, "reviews-none");
});

test("password, app and recovery codes are changed while one is signed in", async () => {
  const { page } = people.ben;
  await page.goto(`${gateway.origin}/account`);
  await go(page, "link", "Change it");
  await look(page, "password");
  await type(page, "Password you have now", "not this one at all");
  await type(page, "New password", "eleven grey foxes at the weir");
  await type(page, "The same once more", "eleven grey foxes at the weir");
  await go(page, "button", "Change it");
  await page.getByRole("alert").waitFor();
  await look(page, "password-error");
  await type(page, "Password you have now", PASSWORD);
  await type(page, "New password", "eleven grey foxes at the weir");
  await type(page, "The same once more", "eleven grey foxes at the weir");
  await go(page, "button", "Change it");
  assert.ok((await page.locator("body").innerText()).includes("Your password has been changed"));
  await go(page, "link", "Replace it");
  await look(page, "authenticator");
  await page.goto(`${gateway.origin}/account`);
  await go(page, "link", "Draw new ones");
  await look(page, "draw-codes");
  await go(page, "button", "Show new codes");
  const codes = await page.locator(".codes li").allInnerTexts();
  assert.equal(codes.length, 10);
  assert.ok(!codes.includes(people.ben.codes[0]));
  await go(page, "link", "I have kept them");
});

test("signing out ends the session at the server", async () => {
  const { page } = people.ada;
  await page.goto(`${gateway.origin}/patients`);
  const kept = await page.context().cookies();
  await go(page, "button", "Sign out");
  await look(page, "signed-out");
  const cookie = kept.map(({ name, value }) => `${name}=${value}`).join("; ");
  const got = await fetch(people.ada.report, { headers: { cookie }, redirect: "manual" });
  assert.equal(got.status, 303);
  assert.match(got.headers.get("location"), /^\/sign-in/);
});

test("what nobody serves is a page like the others", async () => {
  const page = await context();
  const got = await page.goto(`${gateway.origin}/nowhere`);
  assert.equal(got.status(), 404);
  await look(page, "nowhere");
  await page.goto(`${gateway.origin}/sign-in/nobody`);
  await look(page, "sign-in-unknown");
});
