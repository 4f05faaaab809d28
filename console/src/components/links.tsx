// Links in the look of other parts, with addresses that the compiler knows.
import {
  Button,
  Card,
  NavLink,
  Text,
  type ButtonProps,
  type CardProps,
  type NavLinkProps,
  type TextProps,
} from "@mantine/core";
import { createLink } from "@tanstack/react-router";
import type { AnchorHTMLAttributes, ComponentPropsWithRef } from "react";

type Anchor = Omit<AnchorHTMLAttributes<HTMLAnchorElement>, "style" | "color"> &
  Pick<ComponentPropsWithRef<"a">, "ref">;

export const TextLink = createLink((props: TextProps & Anchor) => <Text component="a" className="link" {...props} />);
export const ButtonLink = createLink((props: ButtonProps & Anchor) => <Button component="a" {...props} />);
export const CardLink = createLink((props: CardProps & Anchor) => <Card component="a" {...props} />);
export const MenuLink = createLink((props: NavLinkProps & Anchor) => <NavLink component="a" {...props} />);
