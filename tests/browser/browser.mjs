// What the tests need of a browser: contexts, pictures, axe, and fingers that know the keyboard only.
import { AxeBuilder } from "@axe-core/playwright";
import { strict as assert } from "node:assert";
import { chromium } from "playwright-core";
import { code } from "./gateway.mjs";

/** The looks in which every page is seen. */
export const LOOKS = [
  { name: "wide-light", viewport: { width: 1280, height: 900 }, colorScheme: "light" },
  { name: "phone-light", viewport: { width: 360, height: 740 }, colorScheme: "light", isMobile: true, hasTouch: true },
  { name: "phone-dark", viewport: { width: 360, height: 740 }, colorScheme: "dark", isMobile: true, hasTouch: true },
  { name: "wide-dark", viewport: { width: 1280, height: 900 }, colorScheme: "dark" },
];

/** Starts Chromium. */
export async function launch() {
  return chromium.launch({ executablePath: process.env.CHROMIUM, args: ["--no-sandbox"] });
}

/** Looks at the page as it stands in every look, holds it to the rules, and takes a picture; `scripts` is how many it loads. */
export async function look(page, name, scripts = 0) {
  await quiet(page, name, scripts);
  for (const { name: way, viewport, colorScheme } of LOOKS) {
    await page.setViewportSize(viewport);
    await page.emulateMedia({ colorScheme });
    await page.screenshot({ path: `${name}-${way}.png`, fullPage: true });
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    assert.ok(wide <= 0, `${name} in ${way}: ${wide} pixels too wide`);
    const found = await new AxeBuilder({ page })
      .withTags(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"])
      // Pages turn to a warning a minute before the session ends, from which one can stay: what WCAG 2.2.1 asks for.
      .disableRules(["meta-refresh"])
      .analyze();
    const words = found.violations.map((one) => `${one.id} (${one.impact}): ${one.nodes.map((node) => node.html).join(" | ")}`);
    assert.deepEqual(words, [], `${name} in ${way}`);
  }
  await page.setViewportSize(LOOKS[0].viewport);
  await page.emulateMedia({ colorScheme: "light" });
}

/** Holds a page to what every page promises. */
async function quiet(page, name, scripts) {
  const loaded = await page.locator("script").evaluateAll((all) => all.map((one) => new URL(one.src).pathname));
  assert.equal(loaded.length, scripts, `${name} has ${scripts} scripts`);
  assert.ok(loaded.every((path) => /^\/assets\/sealgate-keys-[0-9a-f]{16}\.js$/.test(path)), `${name} loads ${loaded}`);
  assert.equal(await page.locator("h1").count(), 1, `${name} has one heading of the first rank`);
  assert.equal(await page.locator("main").count(), 1, `${name} has one main part`);
}

/** Presses Tab until an element of this role and name has the focus, which must then be visible. */
export async function tabTo(page, role, name, most = 60) {
  const wanted = page.getByRole(role, { name, exact: false }).first();
  await wanted.waitFor();
  for (let pressed = 0; pressed < most; pressed += 1) {
    await page.keyboard.press("Tab");
    if (await wanted.evaluate((element) => element === document.activeElement)) {
      const outline = await wanted.evaluate((element) => getComputedStyle(element).outlineStyle);
      assert.notEqual(outline, "none", `the focus on ${role} ${name} is visible`);
      return;
    }
  }
  assert.fail(`${role} ${name} is not reached with the keyboard`);
}

/** Types into a field that Tab reaches. */
export async function type(page, label, text) {
  const wanted = page.getByLabel(label, { exact: true });
  await wanted.waitFor();
  for (let pressed = 0; pressed < 60; pressed += 1) {
    if (await wanted.evaluate((element) => element === document.activeElement)) {
      await page.keyboard.press("ControlOrMeta+A");
      await page.keyboard.type(text);
      return;
    }
    await page.keyboard.press("Tab");
  }
  assert.fail(`${label} is not reached with the keyboard`);
}

/** Takes up an invitation: a password, a second factor and recovery codes, which are returned. */
export async function enrol(page, invitation) {
  await page.goto(invitation);
  await type(page, "New password", PASSWORD);
  await type(page, "The same again", PASSWORD);
  await go(page, "button", "Set password");
  await type(page, "Code from the app", code(await page.locator("#key").innerText()));
  await go(page, "button", "Continue");
  const codes = await page.locator(".codes li").allInnerTexts();
  await go(page, "link", "I have kept them");
  return codes;
}

export const PASSWORD = "seven quiet herons on a jetty";

/** Reaches something and presses Enter; waits for the page it leads to. */
export async function go(page, role, name) {
  await tabTo(page, role, name);
  await Promise.all([page.waitForEvent("load"), page.keyboard.press("Enter")]);
}
