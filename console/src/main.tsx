import "./styles/first.css";
import { MantineProvider } from "@mantine/core";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { ApiError, Unreachable } from "./api/client";
import { Gate } from "./Gate";
import { SessionProvider } from "./session";
import { beginTexts, initialLanguage, TextProvider } from "./text";
import { theme } from "./theme";

const queries = new QueryClient({
  defaultOptions: {
    queries: {
      // What the server refuses it refuses again; what did not reach it is tried when it is back.
      retry: (count, error) => !(error instanceof ApiError) && !(error instanceof Unreachable) && count < 2,
      staleTime: 5000,
      refetchOnWindowFocus: true,
      networkMode: "always",
      // Bounds what an open page holds.
      gcTime: 120_000,
    },
    mutations: { retry: false, networkMode: "always" },
  },
});

const place = document.getElementById("root");
if (!place) throw new Error("the page has no place for the console");

beginTexts(initialLanguage());
createRoot(place).render(
  <StrictMode>
    <TextProvider>
      <MantineProvider theme={theme} defaultColorScheme="auto">
        <QueryClientProvider client={queries}>
          <SessionProvider>
            <Gate />
          </SessionProvider>
        </QueryClientProvider>
      </MantineProvider>
    </TextProvider>
  </StrictMode>,
);
