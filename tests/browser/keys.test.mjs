// Security keys: Chromium's virtual authenticator, the pages of a real gateway, and the keyboard.
import { strict as assert } from "node:assert";
import { after, before, test } from "node:test";
import { go, launch, look, tabTo, type } from "./browser.mjs";
import { code, start } from "./gateway.mjs";

const PASSWORD = "nine brass lanterns by the ferry";
let gateway, browser, page, keys, authenticator;

before(async () => {
  gateway = await start();
  browser = await launch();
  page = await context({});
  keys = await page.context().newCDPSession(page);
  await keys.send("WebAuthn.enable");
  authenticator = await plugIn("usb");
});

after(async () => {
  await browser?.close();
  await gateway?.stop();
});

async function context(options) {
  const made = await browser.newContext(options);
  const opened = await made.newPage();
  opened.on("console", (message) => {
    assert.ok(!/Content Security Policy/.test(message.text()), message.text());
  });
  opened.on("pageerror", (error) => assert.fail(error));
  return opened;
}

async function plugIn(transport) {
  const { authenticatorId } = await keys.send("WebAuthn.addVirtualAuthenticator", {
    options: {
      protocol: "ctap2", transport, hasResidentKey: true, hasUserVerification: true, isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
  return authenticatorId;
}

async function showPassword(on) {
  await type(on, "Sign-in name", "dan");
  await type(on, "Password", PASSWORD);
  await go(on, "button", "Sign in");
}

async function signOut() {
  await page.goto(`${gateway.origin}/account`);
  await go(page, "button", "Sign out");
}

test("a key is set up instead of an app, with the keyboard", async () => {
  await page.goto(gateway.invitations.dan);
  await type(page, "New password", PASSWORD);
  await type(page, "The same again", PASSWORD);
  await go(page, "button", "Set password");
  await look(page, "enrol-key", 1);
  await go(page, "button", "Add a key");
  await page.getByRole("alert").first().waitFor();
  await look(page, "enrol-key-error", 1);
  await type(page, "Name of the key", "Blue key on my lanyard");
  await go(page, "button", "Add a key");
  assert.equal(await page.locator(".codes li").count(), 10);
  await go(page, "link", "I have kept them");
  assert.ok(page.url().endsWith("/patients"), page.url());
  const { credentials } = await keys.send("WebAuthn.getCredentials", { authenticatorId: authenticator });
  assert.equal(credentials.length, 1);
  assert.equal(credentials[0].rpId, "localhost");
});

test("the key signs in and leads back to the same place", async () => {
  await signOut();
  await page.goto(`${gateway.origin}/account`);
  await showPassword(page);
  await look(page, "key", 1);
  await go(page, "button", "Use a security key");
  assert.equal(page.url(), `${gateway.origin}/account`);
  const body = await page.locator("body").innerText();
  assert.ok(body.includes("1 added") && /Second factor\s+shown/.test(body), body);
});

test("a key that does not know its holder is refused, and can be tried again", async () => {
  await signOut();
  await page.goto(`${gateway.origin}/account`);
  await showPassword(page);
  await keys.send("WebAuthn.setUserVerified", { authenticatorId: authenticator, isUserVerified: false });
  await tabTo(page, "button", "Use a security key");
  await page.keyboard.press("Enter");
  await page.getByRole("alert").waitFor();
  assert.match(await page.getByRole("alert").innerText(), /did not answer, or is not one of yours/);
  await look(page, "key-failed", 1);
  await keys.send("WebAuthn.setUserVerified", { authenticatorId: authenticator, isUserVerified: true });
  await go(page, "button", "Use a security key");
  assert.equal(page.url(), `${gateway.origin}/account`);
});

test("an app and a second key are added, and a key is removed", async () => {
  await page.goto(`${gateway.origin}/account/keys`);
  await look(page, "security-keys-only-one", 1);
  assert.ok((await page.locator("body").innerText()).includes("It is your only second factor"));
  await type(page, "Name of the key", "Again");
  await tabTo(page, "button", "Add a key");
  await page.keyboard.press("Enter");
  await page.getByRole("alert").waitFor();
  assert.ok((await page.getByRole("alert").innerText()).includes("was added before"), "one key is added once");
  await keys.send("WebAuthn.removeVirtualAuthenticator", { authenticatorId: authenticator });
  const second = await plugIn("internal");
  await go(page, "button", "Add a key");
  await look(page, "security-keys", 1);
  await go(page, "button", "Remove it");
  assert.ok(!(await page.locator("body").innerText()).includes("Blue key"), "the first of them");
  assert.ok((await page.locator("body").innerText()).includes("The key was removed"));
  await page.goto(`${gateway.origin}/account/authenticator`);
  await type(page, "Code from the new app", code(await page.locator("#key").innerText()));
  await go(page, "button", "Replace it");
  await go(page, "link", "I have kept them");
  await signOut();
  await page.goto(`${gateway.origin}/account`);
  await showPassword(page);
  await look(page, "code-or-key", 1);
  // What a copy of the key shows that was made before: it has counted less.
  const { credentials } = await keys.send("WebAuthn.getCredentials", { authenticatorId: second });
  await keys.send("WebAuthn.clearCredentials", { authenticatorId: second });
  await keys.send("WebAuthn.addCredential", { authenticatorId: second, credential: { ...credentials[0], signCount: 0 } });
  await go(page, "button", "Use a security key");
  await page.getByRole("alert").first().waitFor();
  await look(page, "key-refused", 1);
  const refused = await gateway.command("audit", "show", "--tenant", "Harbour Hospital", "--action", "LoginFailed", "--context");
  assert.match(refused, /counter-went-back/);
});

test("without scripts the pages are whole, and say what cannot be done there", async () => {
  const plain = await context({ javaScriptEnabled: false });
  await plain.goto(`${gateway.origin}/account`);
  await showPassword(plain);
  assert.equal(await plain.getByRole("button", { name: "Use a security key" }).count(), 0);
  assert.equal(await plain.getByRole("button", { name: "Continue" }).count(), 1);
  await plain.goto(gateway.invitations.ben);
  await type(plain, "New password", PASSWORD);
  await type(plain, "The same again", PASSWORD);
  await go(plain, "button", "Set password");
  const body = await plain.locator("body").innerText();
  assert.ok(body.includes("This browser cannot use security keys on this page"), body);
  await type(plain, "Code from the app", code(await plain.locator("#key").innerText()));
  await go(plain, "button", "Continue");
  assert.equal(await plain.locator(".codes li").count(), 10);
});
