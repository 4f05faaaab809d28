import { render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { describe, expect, it, vi } from "vitest";
import { SessionProvider } from "../../session";
import { serve, Surroundings } from "../../testing";
import { first } from "../../text/first";
import { WithPasskey } from "./SignIn";

vi.mock("./passkey", () => {
  throw new TypeError("Failed to fetch dynamically imported module");
});

describe("signing in with a passkey", () => {
  it("can be tried again where its script could not be loaded", async () => {
    serve({});
    render(
      <Surroundings>
        <SessionProvider>
          <WithPasskey factor />
        </SessionProvider>
      </Surroundings>,
    );
    const button = screen.getByRole("button", { name: first.en["passkeys.factor"] });
    await userEvent.click(button);
    await screen.findByText(first.en["common.unreachableRead"]);
    await waitFor(() => expect(button.hasAttribute("data-loading")).toBe(false));
  });
});
