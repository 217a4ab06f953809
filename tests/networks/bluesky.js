// The real Bluesky network (PLC, PDS, AppView) on loopback, driven line by line from a test.
//
// Reads one JSON command a line from standard input, answers one JSON line each on standard output:
//   {"do":"accounts","handles":[..]}   {"do":"post","by":0,"text":"..","langs":[]}   {"do":"like","by":0,"post":0}
//   {"do":"repost","by":0,"post":0}    {"do":"reply","by":0,"post":0,"text":".."}
//   {"do":"delete","by":0,"post":0}   {"do":"follow","by":0,"whom":1}    {"do":"settle"}   {"do":"close"}
// The first line it prints is {"pds":..,"appview":..}. Everything else it logs goes to standard error.
console.log = console.info = console.debug = console.error;
require("@atproto/dev-env/dist/env");
const { TestNetwork } = require("@atproto/dev-env");
const { mockMailer } = require("@atproto/dev-env/dist/util");
const { RichText } = require("@atproto/api");
const readline = require("node:readline");

const port = (name) => Number(process.env[name]);
const answer = (value) => process.stdout.write(JSON.stringify(value) + "\n");

async function main() {
  const network = await TestNetwork.create({
    pds: { port: port("PDS_PORT"), hostname: "localhost", enableDidDocWithSession: true },
    bsky: {
      dbPostgresSchema: "bsky",
      port: port("APPVIEW_PORT"),
      publicUrl: `http://localhost:${port("APPVIEW_PORT")}`,
    },
    plc: { port: port("PLC_PORT") },
    ozone: { port: port("OZONE_PORT") },
    introspect: { port: port("INTROSPECT_PORT") },
  });
  mockMailer(network.pds);
  const seed = network.getSeedClient();
  const people = [];
  const posts = [];

  const rich = (text) => {
    const value = new RichText({ text });
    value.detectFacetsWithoutResolution();
    return value;
  };
  const kept = (made) => {
    posts.push(made.ref);
    return { uri: made.ref.uriStr };
  };
  const commands = {
    async accounts({ handles }) {
      for (const handle of handles) {
        await seed.createAccount(handle, {
          handle: `${handle}.test`,
          email: `${handle}@example.com`,
          password: "a-password-of-a-test",
        });
        people.push(seed.dids[handle]);
      }
      return { dids: people };
    },
    async post({ by, text, langs }) {
      const { text: plain, facets } = rich(text);
      return kept(await seed.post(people[by], plain, facets, undefined, undefined, { langs }));
    },
    async reply({ by, post, text }) {
      const { text: plain, facets } = rich(text);
      return kept(await seed.reply(people[by], posts[post], posts[post], plain, facets));
    },
    async delete({ by, post }) {
      await seed.deletePost(people[by], posts.at(post).uri);
      return {};
    },
    async like({ by, post }) {
      await seed.like(people[by], posts[post]);
      return {};
    },
    async repost({ by, post }) {
      await seed.repost(people[by], posts[post]);
      return {};
    },
    async follow({ by, whom }) {
      await seed.follow(people[by], people[whom]);
      return {};
    },
    async settle() {
      await network.processAll();
      return {};
    },
  };

  answer({ pds: network.pds.url, appview: network.bsky.url });
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const { do: name, ...rest } = JSON.parse(line);
    if (name === "close") break;
    try {
      answer(await commands[name](rest));
    } catch (error) {
      answer({ error: String(error) });
    }
  }
  await network.close();
  process.exit(0);
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
