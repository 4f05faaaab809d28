import { beforeAll, vi } from "vitest";
import { initialLanguage, loadTexts } from "./text";

beforeAll(() => loadTexts(initialLanguage()));

// What jsdom has not, and Mantine asks for.
vi.stubGlobal("matchMedia", () => ({ matches: false, addEventListener: () => {}, removeEventListener: () => {} }));
vi.stubGlobal(
  "ResizeObserver",
  class {
    observe() {}
    unobserve() {}
    disconnect() {}
  },
);
// Addresses are relative to the page.
const NodeRequest = Request;
vi.stubGlobal(
  "Request",
  class extends NodeRequest {
    constructor(given: RequestInfo | URL, init?: RequestInit) {
      super(given instanceof NodeRequest ? given : new URL(String(given), location.href), init);
    }
  },
);
window.scrollTo = () => {};
Element.prototype.scrollIntoView = () => {};
