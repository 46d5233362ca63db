// How many transfers medici makes a second, by the recipe of its own documentation that never overdraws an account:
// one transaction of the database with the entry, the balance after it, and a write lock on the account that pays.
//
//     node medici.mjs URI SECONDS ACCOUNTS   prints {"rate": ..., "failed": ...}

import medici from "medici";
import mongoose from "mongoose";

const { Book, initModels, mongoTransaction, syncIndexes } = medici;
const AT_ONCE = 64;
const FUNDING = 1_000_000_000;
const WARM_UP_MS = 1_000;
const [uri, seconds, accounts] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4])];
const book = new Book("transfers");
const nameOf = (place) => `Accounts:${place}`;

function open(place) {
  return book.entry("Opening").debit("Assets", FUNDING).credit(nameOf(place), FUNDING).commit();
}

async function fund() {
  for (let first = 0; first < accounts; first += AT_ONCE) {
    const places = Array.from({ length: Math.min(AT_ONCE, accounts - first) }, (_, place) => first + place);
    await Promise.all(places.map((place) => open(place)));
  }
}

function transfer(from, to) {
  return mongoTransaction(async (session) => {
    await book.entry("Transfer").debit(nameOf(from), 1).credit(nameOf(to), 1).commit({ session });
    const { balance } = await book.balance({ account: nameOf(from) }, { session });
    if (balance < 0) {
      throw new Error("insufficient funds");
    }
    await book.writelockAccounts([nameOf(from)], { session });
  });
}

function pair() {
  const from = Math.floor(Math.random() * accounts);
  return [from, (from + 1 + Math.floor(Math.random() * (accounts - 1))) % accounts];
}

async function measure() {
  let done = 0;
  let failed = 0;
  let isOver = false;
  const repeat = async () => {
    while (!isOver) {
      try {
        await transfer(...pair());
        done += 1;
      } catch {
        failed += 1;
      }
    }
  };
  const all = Promise.all(Array.from({ length: AT_ONCE }, repeat));
  await new Promise((resolve) => setTimeout(resolve, WARM_UP_MS));
  [done, failed] = [0, 0];
  const started = performance.now();
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  const found = { rate: done / ((performance.now() - started) / 1000), failed };
  isOver = true;
  await Promise.race([all, new Promise((resolve) => setTimeout(resolve, WARM_UP_MS))]);
  return found;
}

await mongoose.connect(uri, { dbName: "medici", writeConcern: { w: "majority", j: true }, maxPoolSize: AT_ONCE });
await mongoose.connection.dropDatabase();
await initModels();
await syncIndexes();
await fund();
console.log(JSON.stringify(await measure()));
await mongoose.connection.dropDatabase();
process.exit(0); // also where a transfer still tries
