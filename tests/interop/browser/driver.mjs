// Runs one scene in a browser of the system, without a screen. The first argument says which, the
// second, an object of JSON, where the server is and who is who. Ends with 0 when the scene went
// as it should; what happens is told a line each.

import { createServer } from "node:http";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { build } from "esbuild";
import { chromium } from "playwright-core";

const ARGUMENTS = [
  "--no-sandbox", "--headless", "--disable-gpu", "--disable-quic", "--no-first-run",
  "--disable-background-networking", "--disable-component-update", "--disable-sync",
  "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream",
  "--ignore-certificate-errors",
];

/** Half a second of speech in packets of 20 ms. */
const ENOUGH_PACKETS = 25;

/** Both call each other, and each hangs up once as the caller and once as the callee. */
async function between(page, { server, domain, jssip, sipjs }) {
  await page.evaluate(async ({ server, domain, jssip, sipjs, enough }) => {
    const one = new phones.jssip({ server, domain, ...jssip });
    const other = new phones.sipjs({ server, domain, ...sipjs });
    await Promise.all([one.register(), other.register()]);
    tell("both are registered");
    const to = { one: `sip:${jssip.user}@${domain}`, other: `sip:${sipjs.user}@${domain}` };
    for (const [caller, callee, uri] of [[one, other, to.other], [other, one, to.one]]) {
      for (const hangsUp of ["caller", "callee"]) {
        const calling = caller.call(uri);
        const came = await callee.incoming();
        came.accept();
        const call = await calling;
        await Promise.all([call.established(), came.established()]);
        await heard(call, enough);
        await heard(came, enough);
        (hangsUp === "caller" ? call : came).hangUp();
        const ends = await Promise.all([call.ended(), came.ended()]);
        const expected = hangsUp === "caller" ? ["local", "remote"] : ["remote", "local"];
        if (`${ends}` !== `${expected}`) throw new Error(`ended by ${ends}, not ${expected}`);
        tell(`${uri} was called, and the ${hangsUp} hung up`);
      }
    }
    await Promise.all([one.unregister(), other.unregister()]);
  }, { server, domain, jssip, sipjs, enough: ENOUGH_PACKETS });
}

/** A phone of one kind calls `target`, hears so many packets, and hangs up. */
async function hears(page, settings) {
  await page.evaluate(async ({ server, domain, kind, account, target, enough }) => {
    const phone = new phones[kind]({ server, domain, ...account });
    await phone.register();
    const call = await phone.call(target);
    await call.established();
    tell("established");
    await heard(call, enough);
    call.hangUp();
    await call.ended();
  }, { ...settings, enough: ENOUGH_PACKETS });
}

/** A phone of one kind is called, hears so many packets, and hangs up. */
async function is_called_and_hears(page, settings) {
  await page.evaluate(async ({ server, domain, kind, account, enough }) => {
    const phone = new phones[kind]({ server, domain, ...account });
    await phone.register();
    tell("registered");
    const call = await phone.incoming();
    call.accept();
    await call.established();
    await heard(call, enough);
    call.hangUp();
    await call.ended();
  }, { ...settings, enough: ENOUGH_PACKETS });
}

/** A phone of one kind calls `target`; `hangs_up` is `here` or `there`. */
async function calls(page, settings) {
  await page.evaluate(async ({ server, domain, kind, account, target, hangs_up }) => {
    const phone = new phones[kind]({ server, domain, ...account });
    await phone.register();
    const call = await phone.call(target);
    await call.established();
    tell("established");
    if (hangs_up === "here") call.hangUp();
    const by = await call.ended();
    const expected = hangs_up === "here" ? "local" : "remote";
    if (by !== expected) throw new Error(`ended by ${by}, not ${expected}`);
  }, settings);
}

/** A phone of one kind is called; `hangs_up` is `here` or `there`. */
async function is_called(page, settings) {
  await page.evaluate(async ({ server, domain, kind, account, hangs_up }) => {
    const phone = new phones[kind]({ server, domain, ...account });
    await phone.register();
    tell("registered");
    const call = await phone.incoming();
    call.accept();
    await call.established();
    if (hangs_up === "here") call.hangUp();
    const by = await call.ended();
    const expected = hangs_up === "here" ? "local" : "remote";
    if (by !== expected) throw new Error(`ended by ${by}, not ${expected}`);
  }, settings);
}

const SCENES = { between, hears, is_called_and_hears, calls, is_called };

/** The page as text, and where it is served. A page from this machine may use the microphone. */
async function serve() {
  const here = dirname(fileURLToPath(import.meta.url));
  const built = await build({
    entryPoints: [join(here, "page.js")],
    bundle: true,
    write: false,
    define: { global: "globalThis" },
    logLevel: "error",
  });
  const script = built.outputFiles[0].text;
  const web = createServer((request, response) => {
    const is_script = request.url === "/page.js";
    response.setHeader("Content-Type", is_script ? "text/javascript" : "text/html");
    response.end(is_script ? script : "<!doctype html><title>telephones</title><script src=page.js></script>");
  });
  await new Promise((resolve) => web.listen(0, "127.0.0.1", resolve));
  return web;
}

async function run(scene, settings) {
  const folder = await mkdtemp(join(tmpdir(), "antiphon-browser-"));
  const web = await serve();
  const browser = await chromium.launchPersistentContext(folder, {
    executablePath: "/usr/bin/chromium",
    args: ARGUMENTS,
    ignoreHTTPSErrors: true,
    permissions: ["microphone"],
  });
  try {
    const page = await browser.newPage();
    page.on("console", (message) => console.error(message.text()));
    await page.exposeFunction("tell", (line) => console.log(line));
    await page.goto(`http://127.0.0.1:${web.address().port}/`);
    await page.evaluate(() => {
      globalThis.heard = async (call, enough) => {
        while (await call.packets() < enough) {
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
      };
    });
    await SCENES[scene](page, settings);
  } finally {
    await browser.close();
    web.close();
    await rm(folder, { recursive: true, force: true });
  }
}

const [, , scene, settings] = process.argv;
await run(scene, JSON.parse(settings));
console.log("done");
