import { act, render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { api, link } from "./api/client";
import { $api } from "./api/queries";
import { useDraft } from "./components/edits";
import { SessionProvider, useSession } from "./session";
import { json, serve, Surroundings } from "./testing";

const anna = {
  username: "anna",
  displayName: "Anna",
  kind: "subscriber",
  role: "rw",
  customerId: "100000001",
  operator: null,
  csrfToken: "one",
  expires: "2026-01-01T12:00:00Z",
  idleSeconds: 3600,
};
const bert = { ...anna, username: "bert", csrfToken: "two", role: "ro" };
const olga = { ...anna, username: "olga", kind: "operator", operator: "Veld", customerId: null, csrfToken: "three" };

function Page({ work }: { work?: () => Promise<string> }) {
  const session = useSession();
  return (
    <>
      <p>{session.loading ? "loading" : (session.user?.username ?? "nobody")}</p>
      <p>{session.expired ? "expired" : "in force"}</p>
      <p>{session.mayChange ? "may change" : "may look"}</p>
      <p>for {session.customerId || "the network"}</p>
      <button onClick={() => void session.signIn("anna", "secret").catch(() => {})}>as anna</button>
      <button onClick={() => void session.signIn("bert", "secret")}>as bert</button>
      <button onClick={() => void session.signOut()}>out</button>
      <button onClick={() => session.workFor("100000002")}>work for</button>
      <button
        onClick={() =>
          void work?.().then((text) => {
            document.title = text;
          })
        }
      >
        change
      </button>
    </>
  );
}

async function open(work?: () => Promise<string>) {
  render(
    <Surroundings>
      <SessionProvider>
        <Page work={work} />
      </SessionProvider>
    </Surroundings>,
  );
  await waitFor(() => expect(screen.queryByText("loading")).toBeNull());
}

const click = (name: string) => userEvent.click(screen.getByRole("button", { name }));
const change = () =>
  api.POST("/api/v1/alarms/acks", { body: { refs: ["1"] } }).then(
    () => "done",
    () => "refused",
  );

beforeEach(() => {
  document.title = "";
});

describe("a session", () => {
  it("is found again when the page is loaded, and its token goes with changes alone", async () => {
    const asked = serve({ "GET /api/v1/session": () => json(anna), "POST /api/v1/alarms/acks": () => json({}) });
    await open(change);
    expect(screen.getByText("anna")).toBeTruthy();
    expect(screen.getByText("may change")).toBeTruthy();
    await click("change");
    await waitFor(() => expect(document.title).toBe("done"));
    expect(asked.map(({ method, headers }) => [method, headers.get("x-csrf-token")])).toEqual([
      ["GET", null],
      ["POST", "one"],
    ]);
  });

  it("that ends under a change lets it be done once the same person has signed in again", async () => {
    let ended = true;
    const asked = serve({
      "GET /api/v1/session": () => json(anna),
      "POST /api/v1/session": () => {
        ended = false;
        return json({ ...anna, csrfToken: "new" });
      },
      "POST /api/v1/alarms/acks": () => (ended ? json({ message: "expired" }, 401) : json({})),
    });
    await open(change);
    await click("change");
    expect(await screen.findByText("expired")).toBeTruthy();
    expect(document.title).toBe("");
    await click("as anna");
    await waitFor(() => expect(document.title).toBe("done"));
    expect(screen.getByText("in force")).toBeTruthy();
    expect(
      asked.filter(({ path }) => path.endsWith("acks")).map(({ headers, body }) => [headers.get("x-csrf-token"), body]),
    ).toEqual([
      ["one", { refs: ["1"] }],
      ["new", { refs: ["1"] }],
    ]);
  });

  it("of somebody else carries out nothing that was begun before", async () => {
    const asked = serve({
      "GET /api/v1/session": () => json(anna),
      "POST /api/v1/session": () => json(bert),
      "POST /api/v1/alarms/acks": () => json({ message: "expired" }, 401),
    });
    await open(change);
    await click("change");
    expect(await screen.findByText("expired")).toBeTruthy();
    await click("as bert");
    await waitFor(() => expect(document.title).toBe("refused"));
    expect(screen.getByText("bert")).toBeTruthy();
    expect(screen.getByText("may look")).toBeTruthy();
    expect(asked.filter(({ path }) => path.endsWith("acks"))).toHaveLength(1);
  });
});

describe("a session of a tab", () => {
  it("of an operator names the subscriber that it works for, in this tab until it ends", async () => {
    const asked = serve({
      "GET /api/v1/session": () => json(olga),
      "DELETE /api/v1/session": () => new Response(null, { status: 204 }),
      "POST /api/v1/alarms/acks": () => json({}),
    });
    await open(change);
    expect(screen.getByText("for the network")).toBeTruthy();
    await click("work for");
    await click("change");
    await waitFor(() => expect(document.title).toBe("done"));
    expect(asked.at(-1)?.headers.get("x-subscriber")).toBe("100000002");
    expect(sessionStorage.length).toBe(1);
    await click("out");
    expect(await screen.findByText("nobody")).toBeTruthy();
    expect([sessionStorage.length, link.csrfToken, link.customerId]).toEqual([0, "", ""]);
  });

  it("is asked for again while the server does not answer", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval"] });
    try {
      let there = false;
      serve({ "GET /api/v1/session": () => (there ? json(anna) : Promise.reject(new TypeError("no route"))) });
      render(
        <Surroundings>
          <SessionProvider>
            <Page />
          </SessionProvider>
        </Surroundings>,
      );
      await act(() => vi.advanceTimersByTimeAsync(5000));
      expect(screen.getByText("loading")).toBeTruthy();
      there = true;
      await act(() => vi.advanceTimersByTimeAsync(2000));
      expect(screen.getByText("anna")).toBeTruthy();
    } finally {
      vi.useRealTimers();
    }
  });
});

describe("a session that ends in a form", () => {
  it("leaves what was typed, also where the stored value has changed meanwhile", async () => {
    let ended = false;
    let stored = "Veld";
    function Named() {
      const found = $api.useQuery("get", "/api/v1/operator/branding");
      const [name, setName] = useDraft(found.data?.name ?? "");
      const { signIn } = useSession();
      return (
        <>
          <p>stored {found.data?.name}</p>
          <input aria-label="Name" value={name} onChange={(event) => setName(event.currentTarget.value)} />
          <button onClick={() => void found.refetch()}>read</button>
          <button onClick={() => void signIn("olga", "secret")}>as olga</button>
        </>
      );
    }
    serve({
      "GET /api/v1/session": () => json(olga),
      "POST /api/v1/session": () => {
        ended = false;
        return json(olga);
      },
      "GET /api/v1/operator/branding": () => (ended ? json({ message: "expired" }, 401) : json({ name: stored })),
    });
    render(
      <Surroundings>
        <SessionProvider>
          <Page />
          <Named />
        </SessionProvider>
      </Surroundings>,
    );
    await screen.findByText("stored Veld");
    await userEvent.type(screen.getByLabelText("Name"), " Noord");
    ended = true;
    stored = "Polder";
    await click("read");
    await screen.findByText("expired");
    await click("as olga");
    await screen.findByText("stored Polder");
    expect(screen.getByLabelText<HTMLInputElement>("Name").value).toBe("Veld Noord");
  });
});
