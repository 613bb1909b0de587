// The chat demo: one chat, or several side by side, so that one person can see both ends.

import style from "style:./chat.css";
import { useSignal } from "@preact/signals";
import { useEffect, useState } from "preact/hooks";
import { loadPreference } from "../../preferences";
import { newMark, socketURL } from "../captured";
import { Stage } from "../stage";
import { Conversation } from "./conversation";
import { Room } from "./room";

export { style };

const maxChats = 4;
const names = ["ann", "bob", "cleo", "dan"];

interface Chat {
  id: string;
  room: Room;
}

function newChat(room: string, name: string, token: string): Chat {
  const chat = { id: newMark().name, room: new Room() };
  chat.room.join({ room, name, token });
  return chat;
}

export function Demo() {
  const [first] = useState(() => newChat("lobby", loadPreference("chat-name") ?? "", ""));
  const chats = useSignal<readonly Chat[]>([first]);
  useEffect(
    () => () => {
      for (const { room } of chats.value) room.close();
    },
    [],
  );
  const another = () => {
    const { room, token } = first.room.wish.value;
    const taken = [...first.room.members.value, ...chats.value.map((chat) => chat.room.me.value)];
    const name = names.find((n) => !taken.includes(n)) ?? "";
    chats.value = [...chats.value, newChat(room, name, token)];
  };
  const close = (gone: Chat) => {
    gone.room.close();
    chats.value = chats.value.filter((chat) => chat !== gone);
  };
  const url = socketURL("/ws/chat", { room: first.room.room.value || "lobby", name: "carl" });
  return (
    <Stage
      marks={chats.value.map((chat) => chat.room.socket.mark.value)}
      frames="Each event is one text frame with a JSON object. What you say comes back to you as to everyone else; pings keep the connection alive while nobody speaks."
      url={url}
      commands={[
        {
          says: "As lines of text; each line that you type is said, /help lists commands:",
          command: `bin/framescope connect '${url}'`,
        },
        {
          says: 'As JSON, in the subprotocol; a line to send is {"type":"message","text":"hi"}:',
          command: `bin/framescope connect '${url}' --subprotocol framescope.chat.v1`,
        },
      ]}
    >
      <div class="chats">
        {chats.value.map((chat, i) => (
          <Conversation
            key={chat.id}
            id={chat.id}
            room={chat.room}
            remembers={i === 0}
            close={i === 0 ? undefined : () => close(chat)}
          />
        ))}
      </div>
      <button
        type="button"
        class="more"
        data-testid="chat-another"
        disabled={chats.value.length >= maxChats}
        onClick={another}
      >
        Open another chat beside it
      </button>
    </Stage>
  );
}
